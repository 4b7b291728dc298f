-- +goose Up
CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    at DATETIME NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    object TEXT NOT NULL,
    payload TEXT NOT NULL
);

-- +goose Down
DROP TABLE events;
