-- +goose Up
CREATE INDEX events_by_actor ON events (actor, at, id);

-- +goose Down
DROP INDEX events_by_actor;
