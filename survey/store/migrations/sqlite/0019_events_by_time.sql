-- +goose Up
CREATE INDEX events_by_time ON events (at, id);

-- +goose Down
DROP INDEX events_by_time;
