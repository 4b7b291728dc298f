-- +goose Up
CREATE INDEX events_by_object ON events (object, at, id);

-- +goose Down
DROP INDEX events_by_object ON events;
