// One storage account: the app's package, the Functions host's own blobs, orchestrations, videos and records, queues.

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Its region.')
param location string

@description('Its tags.')
param tags object

@description('The container that the app keeps videos and records in.')
param videoContainer string

@description('Days after which a video that the app has left behind is removed.')
param videoSafetyNetDays int

@description('The queue that jobs come in by, or empty.')
param jobsQueue string

@description('The queue that events go out by, or empty.')
param eventsQueue string

@description('Principal id of the app\'s identity.')
param appPrincipalId string

@description('Principal id of whoever deploys, or empty where they get no access to data.')
param deployerPrincipalId string

@description('User or ServicePrincipal.')
param deployerPrincipalType string

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var storageBlobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

// Blobs: the host reads the package, keeps function keys, leases for timers and leases of orchestrations, for which
// Microsoft asks for Owner, not Contributor; the app makes its container and keeps videos and records.
// Queues: what Durable Functions run on, the jobs that come in, the events that go out.
// Tables: histories of orchestrations, and the host's own diagnostic events.
var appRoles = [
  storageBlobDataOwner
  storageQueueDataContributor
  storageTableDataContributor
]

// To look at videos and records, to send jobs and to read events: what docs/deploy.md does by hand.
var deployerRoles = empty(deployerPrincipalId) ? [] : [
  storageBlobDataReader
  storageQueueDataContributor
]

var packageContainerName = 'app-package'

// The host moves the jobs that it gives up to a queue of this name, and would make it itself; made here, it can be watched
// from the first day.
var jobsQueues = empty(jobsQueue) ? [] : [
  jobsQueue
  '${jobsQueue}-poison'
]
var eventsQueues = empty(eventsQueue) ? [] : [
  eventsQueue
]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  // checkov:skip=CKV_AZURE_35: a consumption plan has no address of its own to let in; every access needs a token
  // checkov:skip=CKV_AZURE_59: as above: the app reaches the account over its public address
  // checkov:skip=CKV_AZURE_206: records are worth what the videos are; who needs another region changes the sku here
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

// No soft delete and no versions: the app rewrites small records all the time (places, leases), each rewrite would be kept
// and paid for, and a video whose time is over is meant to be gone.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: false
    }
    containerDeleteRetentionPolicy: {
      enabled: false
    }
  }
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: packageContainerName
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queue in concat(jobsQueues, eventsQueues): {
  parent: queueService
  name: queue
}]

// A safety net, not the rule: the app removes videos itself when their time is over. Videos only: records (jobs, places,
// submissions, keys) are what keeps a render from being paid twice, and nothing but the app knows when they may go.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'videos-left-behind'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                '${videoContainer}/videos/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: videoSafetyNetDays
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource appAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in appRoles: {
  name: guid(account.id, appPrincipalId, role)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource deployerAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in deployerRoles: {
  name: guid(account.id, deployerPrincipalId, role)
  scope: account
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

@description('Name of the account.')
output name string = account.name

@description('The container that the app\'s package is put in.')
output packageContainer string = packages.name
