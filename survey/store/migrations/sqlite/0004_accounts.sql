-- +goose Up
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    area_code TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until DATETIME NULL,
    disabled_at DATETIME NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE accounts;
