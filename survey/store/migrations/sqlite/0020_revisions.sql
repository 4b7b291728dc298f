-- +goose Up
CREATE TABLE revisions (
    name TEXT NOT NULL PRIMARY KEY,
    n INTEGER NOT NULL
);

-- +goose Down
DROP TABLE revisions;
