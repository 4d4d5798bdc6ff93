-- $1 token_id text, $2 expires_at timestamptz. One row for the first caller only.
INSERT INTO verbatim.spent_tokens (token_id, expires_at) VALUES ($1, $2)
ON CONFLICT (token_id) DO NOTHING
RETURNING token_id
