package area_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"chengyin/survey"
	"chengyin/survey/area"
	"chengyin/survey/event"
	"chengyin/survey/store"
	"chengyin/survey/store/storetest"
)

var office = survey.As("office", "office", "990100000000")

const places = `区划代码,名称,英文名称,启用日期,撤销日期,并入代码
990100000000,云澜市,Yunlan,2021-01-01,,
990102000000,滨江新区,Binjiang,2021/1/1,,
990102001000,汀澜街道,Tinglan,2021年1月1日,,
990102001001,听荷社区,Tinghe,20210101,,
990102001002,望汐社区,Wangxi,2021.1.1,2026-06-30,990102001001
`

func plan(t *testing.T, s *area.Service, kind area.Kind, file string) area.Plan {
	t.Helper()
	p, err := s.Plan(t.Context(), office, kind, "file.csv", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, s *area.Service, kind area.Kind, file string) {
	t.Helper()
	if err := s.Apply(t.Context(), office, plan(t, s, kind, file), area.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
}

// counts is new, changed, unchanged and bad rows.
func counts(p area.Plan) [4]int { return [4]int{p.New, p.Changed, p.Unchanged, p.Bad} }

func TestImportStoresWhatThePlanSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := area.New(db)
		p := plan(t, s, area.Places, places)
		if p.Total != 0 || counts(p) != [4]int{5, 0, 0, 0} {
			t.Fatalf("plan of an empty database: %v, problems %v", counts(p), p.Problems)
		}
		if all, err := s.Tree(t.Context(), "000000000000"); err != nil || len(all) != 0 {
			t.Fatalf("a plan has stored %d places, err %v", len(all), err)
		}
		if err := s.Apply(t.Context(), office, p, area.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		if p := plan(t, s, area.Places, places); counts(p) != [4]int{0, 0, 5, 0} {
			t.Errorf("the same file again: %v", counts(p))
		}
		gone, err := s.ByCode(t.Context(), "990102001002")
		if err != nil {
			t.Fatal(err)
		}
		if gone.SuccessorCode == nil || *gone.SuccessorCode != "990102001001" || gone.ValidTo.Format("2006-01-02") != "2026-06-30" || gone.NameEN != "Wangxi" {
			t.Errorf("stored %+v", gone)
		}

		// A list without dates and English names leaves them as they are.
		apply(t, s, area.Places, "code,name\n990102001002,望汐居委会\n")
		gone, err = s.ByCode(t.Context(), "990102001002")
		if err != nil || gone.NameZH != "望汐居委会" || gone.NameEN != "Wangxi" || gone.SuccessorCode == nil || gone.ValidTo == nil {
			t.Errorf("after a renaming: %+v, err %v", gone, err)
		}

		units := "单位代码,单位类别,单位名称,所在区划代码,主管单位代码\nS001,学校,听荷小学,990102001001,G001\nG001,机关,教育局,990102000000,\n"
		apply(t, s, area.Units, units) // the child stands above its parent
		if p := plan(t, s, area.Units, units); counts(p) != [4]int{0, 0, 2, 0} {
			t.Errorf("the same units again: %v", counts(p))
		}
		list, err := s.Units(t.Context(), "990100000000")
		if err != nil || len(list) != 2 || list[1].Kind != "school" || *list[1].ParentCode != "G001" {
			t.Errorf("units %+v, err %v", list, err)
		}

		apply(t, s, area.People, "area,age,sex,persons,source\n990102001001,18-29岁,男,412,census\n990102001001,70岁及以上,女,0,census\n")
		apply(t, s, area.People, "社区代码,年龄段,性别,人数\n990102001001,a18,m,413\n")
		people, err := s.Population(t.Context(), "990102001001")
		want := []area.Population{{AreaCode: "990102001001", Age: "a18", Sex: "m", Persons: 413, Source: "census"}, {AreaCode: "990102001001", Age: "a70", Sex: "f", Source: "census"}}
		if err != nil || !slices.Equal(people, want) {
			t.Errorf("population %+v, err %v", people, err)
		}

		var events []event.Event
		if err := db.Read(t.Context()).Where("kind = ?", "area.imported").Order("id").Find(&events).Error; err != nil || len(events) != 5 {
			t.Fatalf("%d events, err %v", len(events), err)
		}
		if e := events[0]; e.Actor != "office" || !strings.Contains(e.Payload, `"new":5`) {
			t.Errorf("event %+v", e)
		}
	})
}

func TestImportNamesEveryBadRow(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	apply(t, s, area.Places, places)
	apply(t, s, area.Units, "code,kind,name,area\nG001,government,教育局,990102000000\n")
	for _, c := range []struct {
		kind area.Kind
		name string
		file string
		want []string // row column code
	}{
		{area.Places, "places", `统计用区划代码,名称,级别,启用日期,撤销日期,并入代码
99010200100,缺一位,,,,
A90102001003,有字母,,,,
990102009001,没有上级,,,,
990102001003,甲,,2021-01-01,,
990102001003,甲,,2021-01-01,,
990102001004,乙,街道,,,
990102001005,丙,,2021-13-01,,
990102001006,丁,,2021-01-02,2021-01-02,
990102001007,戊,社区,2021-01-01,2022-01-01,990102001099
990102001008,己,社区,2021-01-01,2022-01-01,990102001008
990102001009,庚,社区,2021-01-01,2022-01-01,990102001000
990102001010,辛,社区,2021-01-01,,990102001001
990102001011,,社区,2021-01-01,,
990102001012,"=HYPERLINK(""x"")",社区,2021-01-01,,
990102001013,壬,社区,2021-01-01,2022-01-01,990102001014
990102001014,癸,社区,2021-01-01,2022-01-01,990102001013
990102002000,-x,街道,,,
990102002001,子,,,,
110101001001,别处,,,,
990102001015,` + strings.Repeat("长", 101) + `,,,,
990102001016,"换
行",,,,
`, []string{
			"2 code code_bad", "3 code code_bad", "4 code parent_unknown", "6 code duplicate", "7 level level_wrong", "8 valid_from date_bad",
			"9 valid_to ends_before_start", "10 successor successor_unknown", "11 successor successor_self", "12 successor successor_level",
			"13 successor successor_without_end", "14 name name_missing", "15 name formula", "16 successor successor_circle", "17 successor successor_circle",
			"18 name formula", "19 code parent_bad", "20 code area_outside", "21 name name_too_long", "22 name characters_bad",
		}},
		{area.Units, "units", `code,kind,name,area,parent
S 01,school,甲,990102001001,
S002,zoo,乙,990102001001,
S003,school,丙,990102001999,
S004,school,丁,990102001001,G999
S005,school,戊,990102001001,S006
S006,school,己,990102001001,S005
S007,school,庚,990102001001,S002
S008,学校,辛,990102001001,G001
S008,学校,辛,990102001001,G001
`, []string{"2 code unit_code_bad", "3 kind kind_unknown", "4 area area_unknown", "5 parent parent_unknown", "6 parent parent_circle", "7 parent parent_circle", "8 parent parent_bad", "10 code duplicate"}},
		{area.People, "population", `区划代码,年龄段,性别,人数
990102001001,18-29,男,-1
990102001001,30-39,男,3.5
990102001001,40-49,男,many
990102001001,50-59,男,
990102001001,60-64,男,3
990102001001,60-69,x,3
990102001000,70+,女,3
990102001777,70+,女,3
990102001001,70+,女,3
990102001001,70岁及以上,女性,4
990102001001,18-29,女,NaN
990102001001,18-29,女,1e300
`, []string{
			"2 persons persons_negative", "3 persons persons_not_whole", "4 persons persons_not_whole", "5 persons persons_missing", "6 age age_unknown", "7 sex sex_unknown",
			"8 area level_wrong", "9 area area_unknown", "11 area duplicate", "12 persons persons_not_whole", "13 persons persons_too_many",
		}},
		{area.People, "a file without headers", "a,b\n1,2\n", []string{"1  header_missing"}},
		{area.People, "a file without a column", "区划代码,年龄,性别,性别\n990102001001,18-29,男,男\n", []string{"1 sex column_twice", "1 persons column_missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, s, c.kind, c.file)
			var got []string
			for _, x := range p.Problems {
				got = append(got, fmt.Sprintf("%d %s %s", x.Row, x.Column, x.Code))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if p.Total != len(c.want) {
				t.Errorf("total %d, want %d", p.Total, len(c.want))
			}
			if err := s.Apply(t.Context(), office, p, area.ImportOptions{}); !errors.Is(err, area.ErrImportProblems) {
				t.Errorf("applied with problems: %v", err)
			}
		})
	}
}

func TestImportSkipsBadRowsWhenTold(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	apply(t, s, area.Places, places)
	p := plan(t, s, area.Places, "code,name\n990102001003,甲社区\n990102001004,\n990102001001,听荷新社区\n")
	if counts(p) != [4]int{1, 1, 0, 1} {
		t.Fatalf("plan %v", counts(p))
	}
	if err := s.Apply(t.Context(), office, p, area.ImportOptions{SkipBad: true}); err != nil {
		t.Fatal(err)
	}
	if a, err := s.ByCode(t.Context(), "990102001003"); err != nil || a.NameZH != "甲社区" {
		t.Errorf("good row: %+v, %v", a, err)
	}
	if _, err := s.ByCode(t.Context(), "990102001004"); !errors.Is(err, area.ErrNotFound) {
		t.Errorf("bad row: %v", err)
	}
	// The plan would do something else now: its new row is there already.
	if err := s.Apply(t.Context(), office, p, area.ImportOptions{SkipBad: true}); !errors.Is(err, area.ErrImportStale) {
		t.Errorf("applied twice: %v", err)
	}
}

func TestImportIsForTheOffice(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	p := plan(t, s, area.Places, places)
	clerk := survey.As("community", "community", "990100000000")
	if _, err := s.Plan(t.Context(), clerk, area.Places, "f", strings.NewReader(places)); !errors.Is(err, survey.ErrDenied) {
		t.Errorf("plan: %v", err)
	}
	if err := s.Apply(t.Context(), clerk, p, area.ImportOptions{}); !errors.Is(err, survey.ErrDenied) {
		t.Errorf("apply: %v", err)
	}
	district := survey.As("d", "office", "990102000000")
	if err := s.Apply(t.Context(), district, p, area.ImportOptions{}); !errors.Is(err, area.ErrImportStale) {
		t.Errorf("a plan of the city applied by a district: %v", err)
	}
}

func TestImportReadsFilesAsTheyCome(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(places)
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(strings.ReplaceAll(places, ",", "\t"))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"UTF-8":               places,
		"UTF-8 with its mark": "\ufeff" + places,
		"GB18030":             gb,
		"UTF-16 with tabs":    utf16,
		"semicolons":          strings.ReplaceAll(places, ",", ";"),
		"a title above":       "云澜市统计用区划代码表\n\n" + places,
		"full-width digits":   strings.ReplaceAll(places, "990102001001", "９９０１０２００１００１"),
		"carriage returns":    strings.ReplaceAll(places, "\n", "\r\n"),
		"a workbook":          workbook(t),
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, s, area.Places, file)
			if p.Total != 0 || counts(p) != [4]int{5, 0, 0, 0} {
				t.Errorf("plan %v, problems %v", counts(p), p.Problems)
			}
		})
	}
	p := plan(t, s, area.Places, workbook(t))
	if !slices.Equal(p.Skipped, []string{"说明"}) {
		t.Errorf("skipped %q", p.Skipped)
	}
	if err := s.Apply(t.Context(), office, p, area.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if p := plan(t, s, area.Places, places); counts(p) != [4]int{0, 0, 5, 0} {
		t.Errorf("the workbook is not the same as the text: %v", counts(p))
	}
}

// workbook returns the places as Excel keeps them: codes as numbers, dates as
// days, a page of notes first.
func workbook(t *testing.T) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.SetSheetName("Sheet1", "说明"))
	must(f.SetCellStr("说明", "A1", "请按模板填写"))
	_, err := f.NewSheet("区划")
	must(err)
	must(f.SetSheetRow("区划", "A3", &[]any{"区划代码", "名称", "英文名称", "启用日期", "撤销日期", "并入代码"}))
	must(f.SetSheetRow("区划", "A4", &[]any{990100000000, "云澜市", "Yunlan", 44197}))
	must(f.SetSheetRow("区划", "A5", &[]any{990102000000.0, "滨江新区", "Binjiang", 44197}))
	must(f.SetSheetRow("区划", "A6", &[]any{"9.90102001E+11", "汀澜街道", "Tinglan", "2021-01-01"}))
	must(f.SetSheetRow("区划", "A8", &[]any{"'990102001001", "听荷社区", "Tinghe", 44197.5}))
	must(f.SetSheetRow("区划", "A9", &[]any{990102001002, "望汐社区", "Wangxi", 44197, 46203, 990102001001}))
	b, err := f.WriteToBuffer()
	must(err)
	return b.String()
}

func TestImportRefusesWhatIsNoTable(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	whole := workbook(t)
	wide, err := os.ReadFile("testdata/large/wide.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file string
		want error
	}{
		{"an old workbook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", area.ErrImportFormat},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00", area.ErrImportFormat},
		{"half a workbook", whole[:len(whole)/2], area.ErrImportUnreadable},
		{"a workbook that unpacks to a gigabyte", packed(t, 1<<30), area.ErrImportUnreadable},
		{"a workbook that hides how much it unpacks to", packed(t, 10), area.ErrImportUnreadable},
		{"rows with nothing but their last cell, the 16,384th", string(wide), area.ErrImportTooLarge},
		{"an open quote", "code,name\n\"990102001001,x\n", area.ErrImportUnreadable},
		{"too many bytes", "code,name\n" + strings.Repeat(" ", 20<<20), area.ErrImportTooLarge},
		{"too many rows", "code,name\n" + strings.Repeat("1,2\n", 200_100), area.ErrImportTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Plan(t.Context(), office, area.Places, "f", strings.NewReader(c.file)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := s.Plan(t.Context(), office, "cats", "f", strings.NewReader(places)); !errors.Is(err, area.ErrImportKind) {
		t.Errorf("unknown kind: %v", err)
	}
}

// packed returns a zip file with one part that claims to be so large and is two
// megabytes.
func packed(t *testing.T, claim uint64) string {
	t.Helper()
	var data, file bytes.Buffer
	d, err := flate.NewWriter(&data, 9)
	if err != nil {
		t.Fatal(err)
	}
	d.Write(make([]byte, 2<<20))
	d.Close()
	z := zip.NewWriter(&file)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/workbook.xml", Method: zip.Deflate, CompressedSize64: uint64(data.Len()), UncompressedSize64: claim})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestImportListsTheFirstProblemsAndCountsAll(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	var b strings.Builder
	b.WriteString("code,name\n")
	for i := range 3_000 {
		fmt.Fprintf(&b, "x%d,\n", i)
	}
	p := plan(t, s, area.Places, b.String())
	if len(p.Problems) != 1000 || p.Total != 6000 || p.Bad != 3000 || p.Problems[999].Row != 501 {
		t.Errorf("%d listed of %d problems in %d rows, the last in row %d", len(p.Problems), p.Total, p.Bad, p.Problems[999].Row)
	}
}

func TestLongChainsCostNoTime(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	apply(t, s, area.Places, places)
	var b strings.Builder
	b.WriteString("code,kind,name,area,parent\n")
	const n = 50_000
	for i := range n {
		fmt.Fprintf(&b, "U%d,school,甲,990102001001,U%d\n", i, i+1)
	}
	fmt.Fprintf(&b, "U%d,school,甲,990102001001,\n", n)
	p := plan(t, s, area.Units, b.String())
	if p.New+p.Bad != n+1 || p.Bad < n-100 || p.Problems[0].Code != "parent_circle" {
		t.Errorf("new %d, bad %d, first %+v", p.New, p.Bad, p.Problems[0])
	}
}

func TestTemplatesCanBeImported(t *testing.T) {
	s := area.New(storetest.SQLite(t))
	apply(t, s, area.Places, places)
	for _, kind := range area.Kinds {
		p, err := s.Plan(t.Context(), office, kind, "t.csv", bytes.NewReader(area.Template(kind)))
		if err != nil || p.Total != 0 || p.Rows != 1 || p.New+p.Changed != 1 {
			t.Errorf("%s: %v, %+v, err %v", kind, counts(p), p.Problems, err)
		}
	}
}

// TestEveryProblemHasWords reads the codes out of the sources.
func TestEveryProblemHasWords(t *testing.T) {
	files, err := filepath.Glob("import*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:wrong\([a-z_"]+, |Code: +)"([a-z_]+)"`).FindAllStringSubmatch(string(raw), -1) {
			code := m[1]
			switch {
			case code == "too_large": // a field's word, of the platform
			case code == "import_quotes":
				used["field."+code] = true
			case strings.HasPrefix(code, "import_"):
				used["error."+code] = true
			default:
				used["import."+code] = true
			}
		}
		for _, m := range regexp.MustCompile(`\{"([a-z_]+)", (?:true|false), `).FindAllStringSubmatch(string(raw), -1) {
			used["import.column."+m[1]] = true
		}
	}
	for _, k := range area.Kinds {
		used["import.kind."+string(k)] = true
	}
	for _, lang := range []string{"zh", "en"} {
		raw, err := os.ReadFile("../../static/locale/" + lang + "/import.json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(raw, &words); err != nil {
			t.Fatal(err)
		}
		for code := range used {
			if words[code] == "" {
				t.Errorf("%s: no words for %s", lang, code)
			}
		}
		for code := range words {
			if !used[code] {
				t.Errorf("%s: nothing says %s", lang, code)
			}
		}
	}
}
