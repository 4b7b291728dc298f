package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

// schema says in lines what a program can tell of a database without asking
// which engine it is: columns with kind and nullability, keys and references.
func schema(t *testing.T, db *store.DB) []string {
	t.Helper()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if db.Dialect() == store.SQLite {
		describeSQLite(t, db.Read(t.Context()), add)
	} else {
		describeMySQL(t, db.Read(t.Context()), add)
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// kinds are the types of columns that both engines have, under one name.
var kinds = map[string]string{
	"text": "text", "char": "text", "varchar": "text", "mediumtext": "text",
	"integer": "number", "int": "number", "bigint": "number", "real": "float", "double": "float",
	"datetime": "time", "date": "day", "boolean": "boolean", "tinyint": "boolean",
}

func query(t *testing.T, r *gorm.DB, sql string, args ...any) []map[string]any {
	t.Helper()
	var rows []map[string]any
	if err := r.Raw(sql, args...).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func describeSQLite(t *testing.T, r *gorm.DB, add func(string, ...any)) {
	for _, table := range query(t, r, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'") {
		name := table["name"].(string)
		var primary []string
		for _, c := range query(t, r, "SELECT * FROM pragma_table_info(?) ORDER BY pk", name) {
			add("column %s.%s %s null=%v", name, c["name"], kinds[strings.ToLower(c["type"].(string))], c["notnull"].(int64) == 0)
			if c["pk"].(int64) > 0 {
				primary = append(primary, c["name"].(string))
			}
		}
		add("unique %s (%s)", name, strings.Join(primary, ","))
		for _, index := range query(t, r, "SELECT * FROM pragma_index_list(?)", name) {
			var columns []string
			for _, c := range query(t, r, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", index["name"]) {
				columns = append(columns, c["name"].(string))
			}
			if index["unique"].(int64) == 1 {
				add("unique %s (%s)", name, strings.Join(columns, ","))
			} else {
				add("index %s %s (%s)", name, index["name"], strings.Join(columns, ","))
			}
		}
		for _, f := range query(t, r, `SELECT "table" AS target, "from" AS here, "to" AS there FROM pragma_foreign_key_list(?)`, name) {
			add("reference %s.%s -> %s.%s", name, f["here"], f["target"], f["there"])
		}
	}
}

func describeMySQL(t *testing.T, r *gorm.DB, add func(string, ...any)) {
	for _, c := range query(t, r, "SELECT table_name AS tab, column_name AS col, data_type AS kind, is_nullable AS nullable FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE 'goose%'") {
		add("column %s.%s %s null=%v", c["tab"], c["col"], kinds[c["kind"].(string)], c["nullable"] == "YES")
	}
	references := map[string]bool{} // an index of its name comes with each
	for _, f := range query(t, r, "SELECT constraint_name AS name, table_name AS tab, column_name AS col, referenced_table_name AS target, referenced_column_name AS there FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL") {
		add("reference %s.%s -> %s.%s", f["tab"], f["col"], f["target"], f["there"])
		references[f["name"].(string)] = true
	}
	for _, i := range query(t, r, "SELECT table_name AS tab, index_name AS name, MAX(non_unique) AS plain, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS cols FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name NOT LIKE 'goose%' GROUP BY table_name, index_name") {
		switch {
		case fmt.Sprint(i["plain"]) == "0":
			add("unique %s (%s)", i["tab"], i["cols"])
		case !references[i["name"].(string)]:
			add("index %s %s (%s)", i["tab"], i["name"], i["cols"])
		}
	}
}

func TestBothEnginesGetTheSameSchema(t *testing.T) {
	lite, my := schema(t, storetest.SQLite(t)), schema(t, storetest.MariaDB(t))
	if len(lite) < 100 || slices.ContainsFunc(lite, func(l string) bool { return strings.Contains(l, "  ") }) {
		t.Fatalf("the description of the schema is incomplete: %q", lite)
	}
	if d := cmp.Diff(lite, my); d != "" {
		t.Errorf("SQLite (-) and MySQL (+) differ:\n%s", d)
	}
}

var (
	fileName  = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	ddl       = regexp.MustCompile(`(?i)\b(CREATE|ALTER|DROP|RENAME|TRUNCATE)\s`)
	again     = regexp.MustCompile(`(?is)\bINSERT (OR )?IGNORE INTO\s|\bUPDATE\s.*\bNOT LIKE\b`)
	comment   = regexp.MustCompile(`(?m)--.*$`)
	destroyer = regexp.MustCompile(`(?i)\b(DROP|TRUNCATE|DELETE)\b`)
)

// A MySQL server commits each statement that changes the schema by itself. With
// one of them in a file, a migration has happened or it has not.
func TestMigrationFiles(t *testing.T) {
	names := map[string][]string{}
	for _, dialect := range storetest.Dialects {
		files, err := filepath.Glob(filepath.Join("migrations", dialect, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for i, file := range files {
			names[dialect] = append(names[dialect], filepath.Base(file))
			number := fileName.FindStringSubmatch(filepath.Base(file))
			if number == nil || number[1] != fmt.Sprintf("%04d", i+1) {
				t.Errorf("%s is not called %04d_what.sql", file, i+1)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			up, down, found := strings.Cut(string(text), "-- +goose Down")
			if !found || !strings.Contains(up, "-- +goose Up") {
				t.Errorf("%s lacks its two parts", file)
			}
			up = comment.ReplaceAllString(up, "")
			if n := strings.Count(up, ";"); n != 1 || len(ddl.FindAllString(up, -1))+len(again.FindAllString(up, -1)) != 1 {
				t.Errorf("%s has %d statements instead of 1", file, n)
			}
			if n := strings.Count(comment.ReplaceAllString(down, ""), ";"); n != 1 {
				t.Errorf("%s takes itself back in %d statements instead of 1", file, n)
			}
			if destroyer.MatchString(up) {
				t.Errorf("%s destroys data", file)
			}
		}
	}
	if d := cmp.Diff(names["sqlite"], names["mysql"]); d != "" {
		t.Errorf("the folders hold different files:\n%s", d)
	}
}
