-- +goose Up
CREATE TABLE score_runs (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    as_of DATETIME(6) NOT NULL,
    stamp VARCHAR(200) NOT NULL,
    input_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recipe_code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recipe_version INT NOT NULL,
    code_version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    weighting MEDIUMTEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    published_at DATETIME(6) NULL,
    CONSTRAINT score_runs_wave_id FOREIGN KEY (wave_id) REFERENCES waves (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE score_runs;
