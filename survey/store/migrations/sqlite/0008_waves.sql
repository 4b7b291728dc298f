-- +goose Up
CREATE TABLE waves (
    id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    area_code TEXT NOT NULL REFERENCES areas (code),
    questionnaire_id TEXT NOT NULL REFERENCES questionnaires (id),
    recipe_id TEXT NOT NULL REFERENCES recipes (id),
    opens_at DATETIME NOT NULL,
    closes_at DATETIME NOT NULL,
    closed_at DATETIME NULL,
    owner_zh TEXT NOT NULL,
    owner_en TEXT NOT NULL,
    contact TEXT NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE waves;
