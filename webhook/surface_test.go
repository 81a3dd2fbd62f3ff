// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import "testing"

// row says of some verbs of a resource or subresource which of our webhooks judges them, or why they cannot matter: can bring
// about no pod, and change nothing of what a pod asks for, that is not judged elsewhere.
type row struct {
	// verbs as the API server's discovery calls them, by spaces.
	verbs string
	// judged is the webhook that judges them, without its domain; empty where why stands.
	judged, why string
	// shown shows it to be so on a running API server.
	shown func(*apiServer, *testing.T)
}

// everywhere are verbs that write no object, of whatever resource they are; a connection is not what they are there for.
var everywhere = map[string]string{
	"get":              "reads",
	"list":             "reads",
	"watch":            "reads",
	"delete":           "takes an object away; what is made in its place is judged as it is made",
	"deletecollection": "takes objects away; what is made in their place is judged as it is made",
}

// Reasons that several have in common.
const (
	// noPod is held against the API server's own schema.
	noPod       = "its schema holds no pod template and nothing opaque, and so nothing makes pods of it"
	noPodStatus = "what controllers report of it, without a pod template and anything opaque"
	connects    = "connects to what runs already, and writes no object"
	question    = "a question, which is answered and not stored"
	keepsSpec   = "the API server keeps the spec, and the template with it"
	scales      = "a Scale is a number of replicas; the pods that come of it are judged"
	devices     = "its schema holds parameters for drivers of devices, and no pod template; nothing makes pods of it"
	mutates     = "changes objects before validating webhooks are asked, and so what it makes of them is judged"
	validates   = "can only refuse; whoever may write it may also take our webhooks away, which is a right of administrators"
)

const (
	writes = "create update patch"
	alters = "update patch"
)

func judgedBy(hook string, shown func(*apiServer, *testing.T)) row {
	return row{verbs: writes, judged: hook, shown: shown}
}

func harmless(verbs, why string) row { return row{verbs: verbs, why: why} }

func kept(why string, shown func(*apiServer, *testing.T)) row {
	return row{verbs: alters, why: why, shown: shown}
}

// surface is all that API servers of this release serve, with every API and feature switched on, of all versions alike:
// matchPolicy Equivalent brings every version of what is judged.
var surface = map[string]row{
	// Pods.
	"pods":                     judgedBy("pods.workloads", (*apiServer).showPods),
	"pods/status":              {verbs: alters, judged: "pods.workloads", shown: (*apiServer).showPodStatus},
	"pods/binding":             {verbs: "create", judged: "bindings.workloads", shown: (*apiServer).showBindings},
	"bindings":                 {verbs: "create", judged: "bindings.workloads", shown: (*apiServer).showBindings},
	"pods/ephemeralcontainers": kept("the API server keeps metadata, service account and volumes; a container mounts what volumes the pod has", (*apiServer).showEphemeralContainers),
	"pods/resize":              kept("the API server keeps metadata, service account and volumes", (*apiServer).showResize),
	"pods/eviction":            {verbs: "create", why: "takes a pod away; what is made in its place is judged as it is made", shown: (*apiServer).showEviction},
	"pods/attach":              harmless("create get", connects),
	"pods/exec":                harmless("create get", connects),
	"pods/portforward":         harmless("create get", connects),
	"pods/proxy":               harmless("create get update patch delete", connects),
	"serviceaccounts/token":    {verbs: "create", judged: "tokens.workloads", shown: (*apiServer).showTokens},

	// What makes pods.
	"podtemplates":                  judgedBy("podtemplates.workloads", showWrites("PodTemplate")),
	"replicationcontrollers":        judgedBy("templates.workloads", showWrites("ReplicationController")),
	"replicationcontrollers/scale":  kept(scales, showScale("ReplicationController")),
	"replicationcontrollers/status": kept(keepsSpec, showStatus("ReplicationController")),
	"apps/deployments":              judgedBy("templates.workloads", showWrites("Deployment")),
	"apps/deployments/scale":        kept(scales, showScale("Deployment")),
	"apps/deployments/status":       kept(keepsSpec, showStatus("Deployment")),
	"apps/replicasets":              judgedBy("templates.workloads", showWrites("ReplicaSet")),
	"apps/replicasets/scale":        kept(scales, showScale("ReplicaSet")),
	"apps/replicasets/status":       kept(keepsSpec, showStatus("ReplicaSet")),
	"apps/statefulsets":             judgedBy("templates.workloads", showWrites("StatefulSet")),
	"apps/statefulsets/scale":       kept(scales, showScale("StatefulSet")),
	"apps/statefulsets/status":      kept(keepsSpec, showStatus("StatefulSet")),
	"apps/daemonsets":               judgedBy("templates.workloads", showWrites("DaemonSet")),
	"apps/daemonsets/status":        kept(keepsSpec, showStatus("DaemonSet")),
	"batch/jobs":                    judgedBy("templates.workloads", showWrites("Job")),
	"batch/jobs/status":             kept(keepsSpec, showStatus("Job")),
	"batch/cronjobs":                judgedBy("cronjobs.workloads", showWrites("CronJob")),
	"batch/cronjobs/status":         kept(keepsSpec, showStatus("CronJob")),
	// test/e2e shows it, with the controllers that do it.
	"apps/controllerrevisions": harmless(writes, "a StatefulSet or DaemonSet that goes back to a revision makes pods of the template in it, and those are judged"),

	// What asks, and what runs things in other ways.
	"nodes/proxy":    harmless("create get update patch delete", connects+"; a kubelet makes no pods of requests, and static pods mount no tokens"),
	"services/proxy": harmless("create get update patch delete", connects),
	"authentication.k8s.io/selfsubjectreviews":       harmless("create", question),
	"authentication.k8s.io/tokenreviews":             harmless("create", question),
	"authorization.k8s.io/selfsubjectrulesreviews":   harmless("create", question),
	"authorization.k8s.io/selfsubjectaccessreviews":  harmless("create", question),
	"authorization.k8s.io/subjectaccessreviews":      harmless("create", question),
	"authorization.k8s.io/localsubjectaccessreviews": harmless("create", question),

	// What changes how others are admitted.
	"admissionregistration.k8s.io/mutatingadmissionpolicies":          {verbs: writes, why: mutates, shown: (*apiServer).showMutation},
	"admissionregistration.k8s.io/mutatingadmissionpolicybindings":    harmless(writes, mutates),
	"admissionregistration.k8s.io/mutatingwebhookconfigurations":      harmless(writes, mutates),
	"admissionregistration.k8s.io/validatingadmissionpolicies":        harmless(writes, validates),
	"admissionregistration.k8s.io/validatingadmissionpolicies/status": harmless(alters, noPodStatus),
	"admissionregistration.k8s.io/validatingadmissionpolicybindings":  harmless(writes, validates),
	"admissionregistration.k8s.io/validatingwebhookconfigurations":    harmless(writes, validates),
	"apiextensions.k8s.io/customresourcedefinitions":                  harmless(writes, "brings kinds of which other programs may make pods, and those are judged as they are made"),
	"apiextensions.k8s.io/customresourcedefinitions/status":           harmless(alters, "what the API server reports of a kind"),
	"apiregistration.k8s.io/apiservices":                              harmless(writes, "brings APIs of other servers, which keep what they keep; the pods that come of it are made here"),
	"apiregistration.k8s.io/apiservices/status":                       harmless(alters, noPodStatus),

	// What only says how pods run.
	"namespaces":                           {verbs: writes, why: "the API server puts its own label on it, by which two are left out", shown: (*apiServer).showNamespaceLabels},
	"namespaces/status":                    harmless(alters, noPodStatus),
	"namespaces/finalize":                  {verbs: "update", why: "takes finalizers away, and keeps labels", shown: (*apiServer).showNamespaceLabels},
	"serviceaccounts":                      harmless(writes, noPod+"; what one was given stands in ServiceDelegations"),
	"secrets":                              harmless(writes, noPod+"; a token in one is for the API server, of whatever type the Secret is"),
	"storage.k8s.io/csidrivers":            harmless(writes, noPod+"; a token that one wants for the exchange is judged when the kubelet asks for it"),
	"configmaps":                           harmless(writes, noPod),
	"endpoints":                            harmless(writes, noPod),
	"events":                               harmless(writes, noPod),
	"limitranges":                          harmless(writes, noPod),
	"nodes":                                harmless(writes, noPod),
	"nodes/status":                         harmless(alters, noPodStatus),
	"persistentvolumeclaims":               harmless(writes, noPod),
	"persistentvolumeclaims/status":        harmless(alters, noPodStatus),
	"persistentvolumes":                    harmless(writes, noPod),
	"persistentvolumes/status":             harmless(alters, noPodStatus),
	"resourcequotas":                       harmless(writes, noPod),
	"resourcequotas/status":                harmless(alters, noPodStatus),
	"services":                             harmless(writes, noPod),
	"services/status":                      harmless(alters, noPodStatus),
	"autoscaling/horizontalpodautoscalers": harmless(writes, noPod+"; it scales what has a template of its own"),
	"autoscaling/horizontalpodautoscalers/status":                     harmless(alters, noPodStatus),
	"certificates.k8s.io/certificatesigningrequests":                  harmless(writes, noPod),
	"certificates.k8s.io/certificatesigningrequests/approval":         harmless(alters, noPodStatus),
	"certificates.k8s.io/certificatesigningrequests/status":           harmless(alters, noPodStatus),
	"certificates.k8s.io/clustertrustbundles":                         harmless(writes, noPod),
	"certificates.k8s.io/podcertificaterequests":                      harmless(writes, noPod+"; it gives certificates, which the exchange does not take"),
	"certificates.k8s.io/podcertificaterequests/status":               harmless(alters, noPodStatus),
	"coordination.k8s.io/leases":                                      harmless(writes, noPod),
	"coordination.k8s.io/leasecandidates":                             harmless(writes, noPod),
	"discovery.k8s.io/endpointslices":                                 harmless(writes, noPod),
	"events.k8s.io/events":                                            harmless(writes, noPod),
	"flowcontrol.apiserver.k8s.io/flowschemas":                        harmless(writes, noPod),
	"flowcontrol.apiserver.k8s.io/flowschemas/status":                 harmless(alters, noPodStatus),
	"flowcontrol.apiserver.k8s.io/prioritylevelconfigurations":        harmless(writes, noPod),
	"flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/status": harmless(alters, noPodStatus),
	"internal.apiserver.k8s.io/storageversions":                       harmless(writes, noPod),
	"internal.apiserver.k8s.io/storageversions/status":                harmless(alters, noPodStatus),
	"networking.k8s.io/ingressclasses":                                harmless(writes, noPod),
	"networking.k8s.io/ingresses":                                     harmless(writes, noPod),
	"networking.k8s.io/ingresses/status":                              harmless(alters, noPodStatus),
	"networking.k8s.io/ipaddresses":                                   harmless(writes, noPod),
	"networking.k8s.io/networkpolicies":                               harmless(writes, noPod),
	"networking.k8s.io/servicecidrs":                                  harmless(writes, noPod),
	"networking.k8s.io/servicecidrs/status":                           harmless(alters, noPodStatus),
	"node.k8s.io/runtimeclasses":                                      harmless(writes, noPod),
	"policy/poddisruptionbudgets":                                     harmless(writes, noPod),
	"policy/poddisruptionbudgets/status":                              harmless(alters, noPodStatus),
	"rbac.authorization.k8s.io/clusterrolebindings":                   harmless(writes, noPod+"; whoever comes to write pods is judged as others are"),
	"rbac.authorization.k8s.io/clusterroles":                          harmless(writes, noPod),
	"rbac.authorization.k8s.io/rolebindings":                          harmless(writes, noPod),
	"rbac.authorization.k8s.io/roles":                                 harmless(writes, noPod),
	"resource.k8s.io/deviceclasses":                                   harmless(writes, devices),
	"resource.k8s.io/devicetaintrules":                                harmless(writes, noPod),
	"resource.k8s.io/devicetaintrules/status":                         harmless(alters, noPodStatus),
	"resource.k8s.io/resourceclaims":                                  harmless(writes, devices),
	"resource.k8s.io/resourceclaims/status":                           harmless(alters, devices),
	"resource.k8s.io/resourceclaimtemplates":                          harmless(writes, devices),
	"resource.k8s.io/resourcepoolstatusrequests":                      harmless(writes, noPod),
	"resource.k8s.io/resourcepoolstatusrequests/status":               harmless(alters, noPodStatus),
	"resource.k8s.io/resourceslices":                                  harmless(writes, noPod),
	"scheduling.k8s.io/podgroups":                                     harmless(writes, noPod+"; pods name the group, it does not make them"),
	"scheduling.k8s.io/podgroups/status":                              harmless(alters, noPodStatus),
	"scheduling.k8s.io/priorityclasses":                               harmless(writes, noPod),
	"scheduling.k8s.io/workloads":                                     harmless(writes, noPod+"; it groups pods that others make"),
	"storage.k8s.io/csinodes":                                         harmless(writes, noPod),
	"storage.k8s.io/csistoragecapacities":                             harmless(writes, noPod),
	"storage.k8s.io/storageclasses":                                   harmless(writes, noPod),
	"storage.k8s.io/volumeattachments":                                harmless(writes, noPod),
	"storage.k8s.io/volumeattachments/status":                         harmless(alters, noPodStatus),
	"storage.k8s.io/volumeattributesclasses":                          harmless(writes, noPod),
	"storagemigration.k8s.io/storageversionmigrations":                harmless(writes, "stores objects again as they are"),
	"storagemigration.k8s.io/storageversionmigrations/status":         harmless(alters, noPodStatus),

	// Ours. TestEveryAPI shows that they are asked about.
	"behalf.dev/resourceservers":              judgedBy("objects", nil),
	"behalf.dev/resourceservers/status":       harmless(alters, noPodStatus),
	"behalf.dev/delegationpolicies":           judgedBy("objects", nil),
	"behalf.dev/delegationpolicies/status":    harmless(alters, noPodStatus),
	"behalf.dev/servicedelegations":           judgedBy("objects", nil),
	"behalf.dev/servicedelegations/status":    harmless(alters, noPodStatus),
	"behalf.dev/trustedissuers":               judgedBy("objects", nil),
	"behalf.dev/trustedissuers/status":        harmless(alters, noPodStatus),
	"behalf.dev/delegationgrants":             judgedBy("approvers.grants", nil),
	"behalf.dev/delegationgrants/status":      harmless(alters, noPodStatus),
	"behalf.dev/delegationrevocations":        harmless(writes, noPod+"; it only takes away"),
	"behalf.dev/delegationrevocations/status": harmless(alters, noPodStatus),
}
