-- +goose Up
CREATE TABLE questionnaires (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    published_at DATETIME NOT NULL,
    UNIQUE (code, version)
);

-- +goose Down
DROP TABLE questionnaires;
