-- +goose Up
CREATE INDEX events_by_kind ON events (kind, at, id);

-- +goose Down
DROP INDEX events_by_kind ON events;
