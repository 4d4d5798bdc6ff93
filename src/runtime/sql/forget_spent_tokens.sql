-- Tokens whose time is over cannot be used again anyway.
DELETE FROM verbatim.spent_tokens WHERE expires_at < now()
