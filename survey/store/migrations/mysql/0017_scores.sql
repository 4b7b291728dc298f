-- +goose Up
CREATE TABLE scores (
    run_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    indicator VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    mode VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    level VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    n BIGINT NOT NULL,
    n_eff DOUBLE NULL,
    estimate DOUBLE NULL,
    se DOUBLE NULL,
    low DOUBLE NULL,
    high DOUBLE NULL,
    deff DOUBLE NULL,
    df DOUBLE NULL,
    dk_share DOUBLE NULL,
    method VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    flags VARCHAR(200) NOT NULL,
    PRIMARY KEY (run_id, area_code, indicator, mode),
    CONSTRAINT scores_run_id FOREIGN KEY (run_id) REFERENCES score_runs (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE scores;
