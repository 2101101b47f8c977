"""One folder or file per receiver, behind the Notifier port."""
