package sample_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/area"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
)

func quiet(int, int) {}

// workbook makes an Excel file of one sheet.
func workbook(t testing.TB, sheet string, rows [][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		t.Fatal(err)
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// list is a CSV file of households.
func list(homes []sample.FrameHome) []byte {
	var b strings.Builder
	b.WriteString("社区代码,楼栋,单元,房号,住户编号,成年人数\r\n")
	for _, h := range homes {
		adults := ""
		if h.Adults != nil {
			adults = fmt.Sprint(*h.Adults)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\r\n", h.AreaCode, h.Building, h.Unit, h.Room, h.Household, adults)
	}
	return []byte(b.String())
}

// street is a list of North and South: buildings of ten households.
func street(buildings int) []sample.FrameHome {
	var out []sample.FrameHome
	for _, code := range []string{apptest.North, apptest.South} {
		for b := range buildings {
			for i := range 10 {
				n := 1 + i%3
				out = append(out, sample.FrameHome{AreaCode: code, Building: fmt.Sprintf("%d栋", b+1), Unit: fmt.Sprint(1 + i/5), Room: fmt.Sprint(101 + i), Household: fmt.Sprintf("%s-%d-%d", code[9:], b+1, i+1), Adults: &n})
			}
		}
	}
	return out
}

func TestFrames(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			read := func(t *testing.T, who survey.Actor, name string, raw []byte) *sample.Import {
				t.Helper()
				p, err := w.Samples.ReadFrame(ctx, who, name, bytes.NewReader(raw), quiet)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			t.Run("every wrong row is told with its place and reason, and nothing is stored", func(t *testing.T) {
				p := read(t, survey.As("riverside", "office", apptest.North), "名单.xlsx", workbook(t, "听荷", [][]any{
					{"住户名单"},
					{"社区代码", "楼栋", "单元", "房号", "住户编号", "成年人数"},
					{apptest.North, "1栋", "1", "101", "A-1", 2},
					{990102001001, "1栋", "1", "102", "A-2", ""},
					{"", "1栋", "1", "103", "A-3", ""},
					{"990102001009", "1栋", "1", "103", "A-4", ""},
					{apptest.Riverside, "1栋", "1", "103", "A-5", ""},
					{apptest.South, "1栋", "1", "103", "A-6", ""},
					{apptest.North, "", "1", "103", "A-7", ""},
					{apptest.North, "1栋", "1", "103", "", ""},
					{apptest.North, "1栋", "1", "103", "A-1", ""},
					{apptest.North, "1栋", "1", "103", "三号", ""},
					{apptest.North, "1栋", "1", "103", "A-8", -1},
					{apptest.North, "1栋", "1", "103", "A-9", 2.5},
					{apptest.North, "1栋", "1", "103", "A-10", 31},
					{apptest.North, "1栋", "1", "103", "A-11", "两人"},
					{apptest.North, "=1+1", "1", "103", "A-12", ""},
					{apptest.North, "1栋", "1", "", "A-13", ""},
					{apptest.North, "8号院", "", "", "A-14", 0},
				}))
				var got []string
				for _, x := range p.Problems {
					got = append(got, fmt.Sprintf("%s %d %s %s", x.Sheet, x.Row, x.Column, x.Code))
				}
				want := []string{
					"听荷 5 community code_missing", "听荷 6 community community_unknown", "听荷 7 community no_community", "听荷 8 community area_outside",
					"听荷 9 building building_missing", "听荷 10 household household_missing", "听荷 11 household duplicate", "听荷 12 household household_bad",
					"听荷 13 adults adults_bad", "听荷 14 adults adults_bad", "听荷 15 adults adults_bad", "听荷 16 adults adults_bad", "听荷 17 building formula", "听荷 18 room room_missing",
				}
				if !slices.Equal(got, want) {
					t.Errorf("%q", got)
				}
				if p.Rows != 17 || p.Good != 3 || p.Bad != 14 || p.Total != 14 || p.Adults != 2 || p.Buildings != 2 {
					t.Errorf("%+v", *p)
				}
				if _, err := w.Samples.StoreFrame(ctx, apptest.Office, p, "", false, quiet); !errors.Is(err, sample.ErrFrameProblems) {
					t.Errorf("stored with wrong rows: %v", err)
				}
				if list, err := w.Samples.Frames(ctx, apptest.Office); err != nil || len(list) != 0 {
					t.Errorf("%v %v", list, err)
				}
			})
			var first sample.Frame
			t.Run("the good rows are stored when the officer says so, as a version with a hash", func(t *testing.T) {
				raw := list(street(3))
				raw = append(raw, "bad,row,,,\r\n"...)
				p := read(t, apptest.Office, "a.csv", raw)
				if p.Good != 60 || p.Bad != 1 || !p.MaySkip() {
					t.Fatalf("%+v", *p)
				}
				var err error
				if first, err = w.Samples.StoreFrame(ctx, apptest.Office, p, " 一季度 ", true, quiet); err != nil {
					t.Fatal(err)
				}
				if first.Name != "一季度" || first.Homes != 60 || first.AreaCode != apptest.Riverside || first.Hash != sample.HashFrame(street(3)) {
					t.Errorf("%+v", first)
				}
				places, err := w.Samples.FramePlaces(ctx, apptest.Office, first)
				if want := []sample.FramePlace{{apptest.North, 3, 30, 30, 57}, {apptest.South, 3, 30, 30, 57}}; err != nil || !slices.Equal(places, want) {
					t.Errorf("%v %v", places, err)
				}
			})
			t.Run("the same list in GBK, in another order, with English headers has the same hash", func(t *testing.T) {
				homes := street(3)
				slices.Reverse(homes)
				text := strings.Replace(string(list(homes)), "社区代码,楼栋,单元,房号,住户编号,成年人数", "Community code,Building,Unit,Room,Household ID,Adults", 1)
				gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
				if err != nil {
					t.Fatal(err)
				}
				f, err := w.Samples.StoreFrame(ctx, apptest.Office, read(t, apptest.Office, "b.CSV", []byte(gbk)), "", false, quiet)
				if err != nil || f.Hash != first.Hash || f.ID == first.ID || f.Name != "b.CSV" {
					t.Errorf("%+v %v", f, err)
				}
				if all, err := w.Samples.Frames(ctx, apptest.Office); err != nil || len(all) != 2 || all[1].ID != first.ID {
					t.Errorf("%v %v", all, err)
				}
			})
			t.Run("the template is read as a list", func(t *testing.T) {
				if p := read(t, apptest.Office, "template.csv", sample.FrameTemplate()); p.Total != 0 || p.Good != 1 {
					t.Errorf("%+v", *p)
				}
			})
			t.Run("lists of other places do not exist, and nobody else reads lists", func(t *testing.T) {
				south := survey.As("south", "office", apptest.South)
				if all, err := w.Samples.Frames(ctx, south); err != nil || len(all) != 0 {
					t.Errorf("%v %v", all, err)
				}
				if _, err := w.Samples.Frame(ctx, south, first.ID); !errors.Is(err, sample.ErrFrameNotFound) {
					t.Error(err)
				}
				for _, role := range []string{"community", "worker", "viewer", "sysadmin"} {
					who := survey.As("x", role, apptest.City)
					_, err := w.Samples.Frames(ctx, who)
					_, err2 := w.Samples.Frame(ctx, who, first.ID)
					_, err3 := w.Samples.ReadFrame(ctx, who, "a.csv", nil, quiet)
					_, err4 := w.Samples.BeginImport(ctx, who, "a.csv", nil)
					for _, err := range []error{err, err2, err3, err4} {
						if !errors.Is(err, survey.ErrDenied) {
							t.Errorf("%s: %v", role, err)
						}
					}
				}
			})
			t.Run("files that are no lists are refused", func(t *testing.T) {
				for name, want := range map[string]error{"a.xlsx": area.ErrImportName, "a.xls": area.ErrImportFormat, "a": area.ErrImportFormat} {
					if _, err := w.Samples.ReadFrame(ctx, apptest.Office, name, strings.NewReader("社区代码,楼栋"), quiet); !errors.Is(err, want) {
						t.Errorf("%s: %v", name, err)
					}
				}
				broken := append([]byte("PK\x03\x04"), bytes.Repeat([]byte("x"), 100)...)
				if _, err := w.Samples.ReadFrame(ctx, apptest.Office, "a.xlsx", bytes.NewReader(broken), quiet); !errors.Is(err, area.ErrImportUnreadable) {
					t.Errorf("broken: %v", err)
				}
				large := bytes.Repeat([]byte("x"), 48<<20+1)
				if _, err := w.Samples.ReadFrame(ctx, apptest.Office, "a.csv", bytes.NewReader(large), quiet); !errors.Is(err, sample.ErrFrameTooLarge) {
					t.Errorf("large: %v", err)
				}
				for text, code := range map[string]string{"": "header_missing", "社区代码,楼栋\n": "column_missing", "社区代码,楼栋,住户编号\n": "rows_missing"} {
					if p := read(t, apptest.Office, "a.csv", []byte(text)); p.Total == 0 || p.Problems[0].Code != code {
						t.Errorf("%q: %+v", text, p.Problems)
					}
				}
			})
			t.Run("an import runs by itself, waits for the officer and tells how far it is", func(t *testing.T) {
				wait := func(id string, stages ...string) sample.ImportState {
					t.Helper()
					for range 500 {
						s, err := w.Samples.ImportState(apptest.Office, id)
						if err != nil {
							t.Fatal(err)
						}
						if slices.Contains(stages, s.Stage) {
							return s
						}
						time.Sleep(10 * time.Millisecond)
					}
					t.Fatalf("it does not become %v", stages)
					return sample.ImportState{}
				}
				raw := list(street(4))
				id, err := w.Samples.BeginImport(ctx, apptest.Office, "a.csv", append(raw, "x,y,,,z,\r\n"...))
				if err != nil {
					t.Fatal(err)
				}
				if s := wait(id, sample.Checked); s.Import.Good != 80 || s.Done != 81 || s.All != 81 {
					t.Errorf("%+v", s)
				}
				if _, err := w.Samples.ImportState(survey.As("other", "office", apptest.City), id); !errors.Is(err, sample.ErrImportNotFound) {
					t.Errorf("another's: %v", err)
				}
				if err := w.Samples.ConfirmImport(ctx, apptest.Office, id, "", false); !errors.Is(err, sample.ErrFrameProblems) {
					t.Error(err)
				}
				if err := w.Samples.ConfirmImport(ctx, apptest.Office, id, "名单", true); err != nil {
					t.Fatal(err)
				}
				if s := wait(id, sample.Stored); s.Frame.Homes != 80 || s.Done != 80 || s.All != 80 {
					t.Errorf("%+v", s)
				}
				if err := w.Samples.ConfirmImport(ctx, apptest.Office, id, "", true); !errors.Is(err, sample.ErrImportStage) {
					t.Errorf("stored twice: %v", err)
				}
				id, err = w.Samples.BeginImport(ctx, apptest.Office, "a.xls", raw)
				if err != nil {
					t.Fatal(err)
				}
				if s := wait(id, sample.Failed); !errors.Is(s.Err, area.ErrImportFormat) {
					t.Errorf("%+v", s)
				}
				w.Advance(time.Hour)
				if _, err := w.Samples.ImportState(apptest.Office, id); !errors.Is(err, sample.ErrImportNotFound) {
					t.Errorf("an hour later: %v", err)
				}
			})
			t.Run("what an import that never ended has left is cleared by the next", func(t *testing.T) {
				left := sample.Frame{ID: "left", AreaCode: apptest.North, ImportedBy: "x", CreatedAt: w.Clock().Add(-2 * time.Hour)}
				if err := w.DB.InTx(ctx, func(tx *storeTx) error {
					if err := tx.Create(&left).Error; err != nil {
						return err
					}
					return tx.Create(&sample.FrameHome{FrameID: "left", Household: "h", AreaCode: apptest.North, Position: 1}).Error
				}); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Samples.Frame(ctx, apptest.Office, "left"); !errors.Is(err, sample.ErrFrameNotFound) {
					t.Errorf("it is shown: %v", err)
				}
				if _, err := w.Samples.StoreFrame(ctx, apptest.Office, read(t, apptest.Office, "a.csv", list(street(1))), "", false, quiet); err != nil {
					t.Fatal(err)
				}
				var n int64
				if err := w.DB.Read(ctx).Model(&sample.FrameHome{}).Where("frame_id = 'left'").Count(&n).Error; err != nil || n != 0 {
					t.Errorf("%d are left, %v", n, err)
				}
			})
		})
	}
}
