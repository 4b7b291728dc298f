package questionnaire_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"chengyin/survey/questionnaire"
)

var answerCodes = []string{
	questionnaire.CodeRequired, questionnaire.CodeUnknownQuestion, questionnaire.CodeNotAsked, questionnaire.CodeWrongType,
	questionnaire.CodeUnknownOption, questionnaire.CodeDuplicateOption, questionnaire.CodeExclusive, questionnaire.CodeTooFew,
	questionnaire.CodeTooMany, questionnaire.CodeOutOfRange, questionnaire.CodeNotInteger, questionnaire.CodeTooLong,
}

// TestEveryCodeHasWords reads the codes from the source, so that a new one
// cannot be forgotten.
func TestEveryCodeHasWords(t *testing.T) {
	var codes []string
	for _, name := range []string{"codes.go", "../indicator/validate.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
				code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err == nil {
					codes = append(codes, code)
				}
				return false
			}
			return true
		})
	}
	if len(codes) < len(answerCodes) {
		t.Fatalf("found only %d codes", len(codes))
	}
	for _, lang := range []string{"zh", "en"} {
		raw, err := os.ReadFile("../../static/locale/" + lang + "/questionnaire.json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(raw, &words); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"error.questionnaire_published", "error.recipe_published"} {
			if words[key] == "" {
				t.Errorf("%s: no words for %s", lang, key)
			}
		}
		for _, code := range codes {
			if words["field."+code] == "" {
				t.Errorf("%s: no words for field.%s", lang, code)
			}
		}
	}
}
