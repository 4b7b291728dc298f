-- +goose Up
CREATE TABLE resident_reports (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    response_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    note MEDIUMTEXT NOT NULL,
    at DATETIME(6) NOT NULL,
    seen_at DATETIME(6) NULL,
    seen_by VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    CONSTRAINT resident_reports_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE resident_reports;
