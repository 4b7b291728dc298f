-- +goose Up
CREATE TABLE responses (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    collector_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sample_unit_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL UNIQUE,
    questionnaire_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    mode VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    via VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lang VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    answers MEDIUMTEXT NOT NULL,
    answers_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    receipt VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    issued_at DATETIME(6) NOT NULL,
    started_at DATETIME(6) NULL,
    received_at DATETIME(6) NOT NULL,
    CONSTRAINT responses_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id),
    CONSTRAINT responses_collector_id FOREIGN KEY (collector_id) REFERENCES collectors (id),
    CONSTRAINT responses_area_code FOREIGN KEY (area_code) REFERENCES areas (code),
    CONSTRAINT responses_sample_unit_id FOREIGN KEY (sample_unit_id) REFERENCES sample_units (id),
    CONSTRAINT responses_questionnaire_id FOREIGN KEY (questionnaire_id) REFERENCES questionnaires (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE responses;
