-- +goose Up
CREATE TABLE event_timers (
    name TEXT NOT NULL PRIMARY KEY,
    days INTEGER NOT NULL,
    asked_at DATETIME NULL
);

-- +goose Down
DROP TABLE event_timers;
