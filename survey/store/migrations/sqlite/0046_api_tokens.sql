-- +goose Up
CREATE TABLE api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    area_code TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at DATETIME NULL,
    used_from TEXT NOT NULL,
    revoked_by TEXT NOT NULL,
    revoked_at DATETIME NULL,
    CONSTRAINT api_tokens_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);

-- +goose Down
DROP TABLE api_tokens;
