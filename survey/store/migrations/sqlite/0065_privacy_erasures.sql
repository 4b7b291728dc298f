-- +goose Up
CREATE TABLE privacy_erasures (
    id TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL,
    wave_id TEXT NOT NULL,
    at DATETIME NOT NULL,
    items INTEGER NOT NULL,
    oldest DATETIME NULL,
    newest DATETIME NULL,
    key_id TEXT NOT NULL,
    ids_sha256 TEXT NOT NULL
);

-- +goose Down
DROP TABLE privacy_erasures;
