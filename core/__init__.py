"""What every package shares: types, time, errors, supervised tasks, logs. Imports nothing of ours."""
