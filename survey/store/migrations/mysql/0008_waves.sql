-- +goose Up
CREATE TABLE waves (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    name_zh VARCHAR(200) NOT NULL,
    name_en VARCHAR(200) NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    questionnaire_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    recipe_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    opens_at DATETIME(6) NOT NULL,
    closes_at DATETIME(6) NOT NULL,
    closed_at DATETIME(6) NULL,
    owner_zh VARCHAR(200) NOT NULL,
    owner_en VARCHAR(200) NOT NULL,
    contact VARCHAR(200) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    CONSTRAINT waves_area_code FOREIGN KEY (area_code) REFERENCES areas (code),
    CONSTRAINT waves_questionnaire_id FOREIGN KEY (questionnaire_id) REFERENCES questionnaires (id),
    CONSTRAINT waves_recipe_id FOREIGN KEY (recipe_id) REFERENCES recipes (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE waves;
