-- +goose Up
CREATE TABLE collectors (
    id TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    code TEXT NOT NULL UNIQUE,
    wave_id TEXT NOT NULL REFERENCES waves (id),
    area_code TEXT NOT NULL REFERENCES areas (code),
    unit_code TEXT NULL REFERENCES sector_units (code),
    channel TEXT NOT NULL,
    slot INTEGER NOT NULL,
    place TEXT NOT NULL,
    expires_at DATETIME NULL,
    revoked_at DATETIME NULL,
    revoked_why TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    UNIQUE (wave_id, area_code, channel, slot)
);

-- +goose Down
DROP TABLE collectors;
