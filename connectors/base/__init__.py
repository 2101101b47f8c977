"""What all venues share: the declaration contract, sockets, REST, books, watchdogs."""
