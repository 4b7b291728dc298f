-- +goose Up
CREATE TABLE event_heads (
    name TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    mac TEXT NOT NULL
);

-- +goose Down
DROP TABLE event_heads;
