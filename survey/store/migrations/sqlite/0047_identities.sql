-- +goose Up
CREATE TABLE identities (
    subject_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    linked_at DATETIME NOT NULL,
    CONSTRAINT identities_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);

-- +goose Down
DROP TABLE identities;
