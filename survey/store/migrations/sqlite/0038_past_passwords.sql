-- +goose Up
CREATE TABLE past_passwords (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    ended_at DATETIME NOT NULL,
    CONSTRAINT past_passwords_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
);

-- +goose Down
DROP TABLE past_passwords;
