// A Durable Task Scheduler with a task hub, in place of queues and tables of the storage account. It knows no keys at all.

@description('Name of the scheduler.')
@minLength(3)
@maxLength(64)
param name string

@description('Its region.')
param location string

@description('Its tags.')
param tags object

@description('Consumption or Dedicated.')
param sku string

@description('Capacity units, where it is Dedicated.')
param capacity int

@description('Principal id of the app\'s identity.')
param appPrincipalId string

@description('Principal id of whoever deploys, or empty where they get no access to data.')
param deployerPrincipalId string

@description('User or ServicePrincipal.')
param deployerPrincipalType string

var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'
var durableTaskDataReader = 'd6a5505f-6ebb-45a4-896e-ac8274cfc0ac'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    sku: (sku == 'Dedicated') ? {
      name: sku
      capacity: capacity
    } : {
      name: sku
    }
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: 'sora-video'
}

// The host runs orchestrations there, and the app starts, reads, cancels and purges them through the host.
resource runs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(scheduler.id, appPrincipalId, durableTaskDataContributor)
  scope: scheduler
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

// To look at orchestrations in the scheduler's dashboard.
resource looks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  name: guid(scheduler.id, deployerPrincipalId, durableTaskDataReader)
  scope: scheduler
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataReader)
  }
}

@description('Name of the scheduler.')
output name string = scheduler.name

@description('Its address.')
output endpoint string = scheduler.properties.endpoint

@description('The task hub that orchestrations live in.')
output taskHubName string = taskHub.name
