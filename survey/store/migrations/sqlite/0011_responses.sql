-- +goose Up
CREATE TABLE responses (
    id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    collector_id TEXT NOT NULL REFERENCES collectors (id),
    area_code TEXT NOT NULL REFERENCES areas (code),
    sample_unit_id TEXT NULL UNIQUE REFERENCES sample_units (id),
    questionnaire_id TEXT NOT NULL REFERENCES questionnaires (id),
    mode TEXT NOT NULL,
    via TEXT NOT NULL,
    lang TEXT NOT NULL,
    answers TEXT NOT NULL,
    answers_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    receipt TEXT NOT NULL UNIQUE,
    issued_at DATETIME NOT NULL,
    started_at DATETIME NULL,
    received_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE responses;
