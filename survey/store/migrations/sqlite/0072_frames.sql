-- +goose Up
CREATE TABLE frames (
    id TEXT NOT NULL PRIMARY KEY,
    area_code TEXT NOT NULL REFERENCES areas (code),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    homes INTEGER NOT NULL,
    hash TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE frames;
