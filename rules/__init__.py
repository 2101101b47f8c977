"""The rule language: pure. YAML text in, SQL with bound parameters out."""
