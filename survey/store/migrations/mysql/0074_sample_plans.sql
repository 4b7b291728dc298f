-- +goose Up
CREATE TABLE sample_plans (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    frame_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    spec MEDIUMTEXT NOT NULL,
    seed VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_by CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL,
    drawn_at DATETIME(6) NULL,
    drawn_by VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    result_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    CONSTRAINT sample_plans_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id),
    CONSTRAINT sample_plans_frame_id FOREIGN KEY (frame_id) REFERENCES frames (id),
    CONSTRAINT sample_plans_area_code FOREIGN KEY (area_code) REFERENCES areas (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sample_plans;
