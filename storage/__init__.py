"""QuestDB: tables, the embedded server, the durable write path, the read path, its health."""
