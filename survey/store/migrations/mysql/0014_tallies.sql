-- +goose Up
CREATE TABLE tallies (
    wave_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    mode VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stratum VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    psu VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    age VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sex VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    indicator VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    n BIGINT NOT NULL,
    d DOUBLE NOT NULL,
    dd DOUBLE NOT NULL,
    dy DOUBLE NOT NULL,
    dyy DOUBLE NOT NULL,
    ddy DOUBLE NOT NULL,
    ddyy DOUBLE NOT NULL,
    dk DOUBLE NOT NULL,
    moves BIGINT NOT NULL,
    PRIMARY KEY (wave_id, mode, stratum, psu, area_code, age, sex, indicator)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE tallies;
