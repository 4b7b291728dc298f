-- +goose Up
CREATE TABLE recovery_codes (
    code_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    used_at DATETIME NULL,
    CONSTRAINT recovery_codes_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);

-- +goose Down
DROP TABLE recovery_codes;
