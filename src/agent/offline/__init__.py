"""The assistant that answers when no language model is configured: rules, no network."""
