-- +goose Up
CREATE TABLE field_phones (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    key_sealed TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    seen_at DATETIME NOT NULL,
    lease_until DATETIME NOT NULL,
    waiting INTEGER NOT NULL,
    offset_ms INTEGER NOT NULL,
    locked_at DATETIME NULL,
    locked_by TEXT NOT NULL,
    signed_out_at DATETIME NULL
);

-- +goose Down
DROP TABLE field_phones;
