-- +goose Up
CREATE UNIQUE INDEX events_by_seq ON events (seq);

-- +goose Down
DROP INDEX events_by_seq ON events;
