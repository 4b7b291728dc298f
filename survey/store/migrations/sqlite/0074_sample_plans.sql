-- +goose Up
CREATE TABLE sample_plans (
    id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    frame_id TEXT NOT NULL REFERENCES frames (id),
    area_code TEXT NOT NULL REFERENCES areas (code),
    spec TEXT NOT NULL,
    seed TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    drawn_at DATETIME NULL,
    drawn_by TEXT NOT NULL,
    result_hash TEXT NOT NULL
);

-- +goose Down
DROP TABLE sample_plans;
