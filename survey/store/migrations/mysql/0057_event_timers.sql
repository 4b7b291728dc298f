-- +goose Up
CREATE TABLE event_timers (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    days INT NOT NULL,
    asked_at DATETIME(6) NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE event_timers;
