"""One file or folder for each outside service; its name is its word in rules.yaml. See engine/integration.py."""
