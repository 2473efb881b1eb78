// A provider plugin that knows schemas and nothing else: it lets OpenTofu validate modules, and `tofu test` plan and apply
// them with mock_provider, where the real plugin cannot be had. PROVIDER_STUB_SCHEMAS names a folder; the schema of
// terraform-provider-NAME is its file NAME.json.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type block struct {
	Attributes map[string]string `json:"attributes"` // name -> "string required", "list(string) optional computed"
	Blocks     map[string]nested `json:"blocks"`
}

type nested struct {
	block
	Nesting string `json:"nesting"` // list or set
	Least   int64  `json:"least"`
	Most    int64  `json:"most"`
}

type schemas struct {
	Resources   map[string]block `json:"resources"`
	DataSources map[string]block `json:"data_sources"`
}

func kind(text string) tftypes.Type {
	if inner, found := strings.CutPrefix(text, "list("); found {
		return tftypes.List{ElementType: kind(strings.TrimSuffix(inner, ")"))}
	}
	if inner, found := strings.CutPrefix(text, "set("); found {
		return tftypes.Set{ElementType: kind(strings.TrimSuffix(inner, ")"))}
	}
	if inner, found := strings.CutPrefix(text, "map("); found {
		return tftypes.Map{ElementType: kind(strings.TrimSuffix(inner, ")"))}
	}
	known := map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool}
	found, there := known[text]
	if !there {
		panic(fmt.Sprintf("no such type: %q", text))
	}
	return found
}

func (b block) schema() *tfprotov6.SchemaBlock {
	made := &tfprotov6.SchemaBlock{}
	for name, text := range b.Attributes {
		words := strings.Fields(text)
		attribute := &tfprotov6.SchemaAttribute{Name: name, Type: kind(words[0])}
		for _, word := range words[1:] {
			switch word {
			case "required":
				attribute.Required = true
			case "optional":
				attribute.Optional = true
			case "computed":
				attribute.Computed = true
			default:
				panic(fmt.Sprintf("%s: no such word: %q", name, word))
			}
		}
		made.Attributes = append(made.Attributes, attribute)
	}
	for name, inner := range b.Blocks {
		nesting := tfprotov6.SchemaNestedBlockNestingModeList
		if inner.Nesting == "set" {
			nesting = tfprotov6.SchemaNestedBlockNestingModeSet
		}
		made.BlockTypes = append(made.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Block: inner.schema(), Nesting: nesting,
			MinItems: inner.Least, MaxItems: inner.Most,
		})
	}
	return made
}

// Everything that mock_provider does not take over answers as little as it may; the rest is not implemented.
type stub struct {
	tfprotov6.ProviderServer
	known schemas
}

func (s stub) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	return &tfprotov6.GetMetadataResponse{ServerCapabilities: &tfprotov6.ServerCapabilities{}}, nil
}

func (s stub) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	answer := &tfprotov6.GetProviderSchemaResponse{
		Provider:          &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{}},
		ResourceSchemas:   map[string]*tfprotov6.Schema{},
		DataSourceSchemas: map[string]*tfprotov6.Schema{},
	}
	for name, found := range s.known.Resources {
		answer.ResourceSchemas[name] = &tfprotov6.Schema{Block: found.schema()}
	}
	for name, found := range s.known.DataSources {
		answer.DataSourceSchemas[name] = &tfprotov6.Schema{Block: found.schema()}
	}
	return answer, nil
}

func (s stub) ValidateProviderConfig(_ context.Context, r *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s stub) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (s stub) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

func (s stub) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s stub) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

// A state that a run of `tofu test` left for the next one comes back as it is.
func (s stub) UpgradeResourceState(_ context.Context, r *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	resource, there := s.known.Resources[r.TypeName]
	if !there {
		return nil, fmt.Errorf("no such resource: %q", r.TypeName)
	}
	shape := (&tfprotov6.Schema{Block: resource.schema()}).ValueType()
	value, err := r.RawState.Unmarshal(shape)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov6.NewDynamicValue(shape, value)
	if err != nil {
		return nil, err
	}
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &state}, nil
}

func (s stub) GetFunctions(context.Context, *tfprotov6.GetFunctionsRequest) (*tfprotov6.GetFunctionsResponse, error) {
	return &tfprotov6.GetFunctionsResponse{}, nil
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	name, _, _ = strings.Cut(name, "_")
	text, err := os.ReadFile(filepath.Join(os.Getenv("PROVIDER_STUB_SCHEMAS"), name+".json"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var known schemas
	if err := json.Unmarshal(text, &known); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := tf6server.Serve(name, func() tfprotov6.ProviderServer { return stub{known: known} }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
