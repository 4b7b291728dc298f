-- +goose Up
CREATE TABLE frame_homes (
    frame_id TEXT NOT NULL REFERENCES frames (id),
    household TEXT NOT NULL,
    area_code TEXT NOT NULL,
    building TEXT NOT NULL,
    unit TEXT NOT NULL,
    room TEXT NOT NULL,
    adults INTEGER NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (frame_id, household)
);

-- +goose Down
DROP TABLE frame_homes;
