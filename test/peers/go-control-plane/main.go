// Command xds-server is an xDS management server that is not ours: go-control-plane's snapshot cache, which speaks the state-of-the-world and
// the delta variant of ADS. Lateen's tests drive lateen-proxy with it, so that both ends of the protocol are not the same hands.
//
// It reads a JSON file {"version": "1", "resources": [{"@type": "type.googleapis.com/...", ...}]} at start and on each SIGHUP, serves it to the
// node that is named, and prints one line per event: `listening on ADDRESS`, `serving VERSION`, `ack TYPE VERSION`, `nack TYPE REASON`.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

type snapshotFile struct {
	Version   string            `json:"version"`
	Resources []json.RawMessage `json:"resources"`
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "address to serve on")
	path := flag.String("snapshot", "", "JSON file with the resources")
	node := flag.String("node", "", "node id to serve")
	flag.Parse()

	snapshots := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
	publish(snapshots, *node, *path)

	socket, err := net.Listen("tcp", *address)
	exitOn(err)
	service := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(service, server.NewServer(context.Background(), snapshots, reporter()))
	fmt.Println("listening on", socket.Addr())

	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			publish(snapshots, *node, *path)
		}
	}()
	exitOn(service.Serve(socket))
}

// publish replaces the node's snapshot by what the file says now.
func publish(snapshots cache.SnapshotCache, node, path string) {
	text, err := os.ReadFile(path)
	exitOn(err)
	var file snapshotFile
	exitOn(json.Unmarshal(text, &file))

	resources := map[resource.Type][]types.Resource{}
	for _, raw := range file.Resources {
		var packed anypb.Any
		exitOn(protojson.Unmarshal(raw, &packed))
		message, err := packed.UnmarshalNew()
		exitOn(err)
		switch message.(type) {
		case *cluster.Cluster, *endpoint.ClusterLoadAssignment, *listener.Listener, *route.RouteConfiguration:
			resources[packed.TypeUrl] = append(resources[packed.TypeUrl], message)
		default:
			exitOn(fmt.Errorf("no snapshot holds a %s", packed.TypeUrl))
		}
	}

	snapshot, err := cache.NewSnapshot(file.Version, resources)
	exitOn(err)
	exitOn(snapshots.SetSnapshot(context.Background(), node, snapshot))
	fmt.Println("serving", file.Version)
}

// reporter prints what the proxy answers.
func reporter() server.Callbacks {
	say := func(typeURL, version, reason string, answered bool) {
		name := typeURL[strings.LastIndex(typeURL, ".")+1:]
		if reason != "" {
			fmt.Println("nack", name, reason)
		} else if answered {
			fmt.Println("ack", name, version)
		}
	}
	return server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
			say(request.TypeUrl, request.VersionInfo, request.GetErrorDetail().GetMessage(), request.ResponseNonce != "")
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			say(request.TypeUrl, request.ResponseNonce, request.GetErrorDetail().GetMessage(), request.ResponseNonce != "")
			return nil
		},
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "xds-server:", err)
		os.Exit(1)
	}
}
