-- +goose Up
CREATE TABLE event_jobs (
    event_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    due_at DATETIME NOT NULL,
    lease TEXT NOT NULL,
    lease_until DATETIME NULL,
    tries INTEGER NOT NULL,
    done_at DATETIME NULL,
    failed_at DATETIME NULL,
    error TEXT NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE event_jobs;
