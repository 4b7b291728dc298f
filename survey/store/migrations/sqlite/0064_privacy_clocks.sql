-- +goose Up
CREATE TABLE privacy_clocks (
    class TEXT NOT NULL PRIMARY KEY,
    days INTEGER NOT NULL,
    changed_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE privacy_clocks;
