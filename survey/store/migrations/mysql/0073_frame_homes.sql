-- +goose Up
CREATE TABLE frame_homes (
    frame_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    household VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    building VARCHAR(400) NOT NULL,
    unit VARCHAR(400) NOT NULL,
    room VARCHAR(400) NOT NULL,
    adults INT NULL,
    position INT NOT NULL,
    PRIMARY KEY (frame_id, household),
    CONSTRAINT frame_homes_frame_id FOREIGN KEY (frame_id) REFERENCES frames (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE frame_homes;
