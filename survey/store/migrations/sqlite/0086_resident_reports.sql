-- +goose Up
CREATE TABLE resident_reports (
    id TEXT NOT NULL PRIMARY KEY,
    response_id TEXT NOT NULL,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    area_code TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    at DATETIME NOT NULL,
    seen_at DATETIME NULL,
    seen_by TEXT NOT NULL
);

-- +goose Down
DROP TABLE resident_reports;
