// A topic for what the app tells the world, as CloudEvents. Its keys are switched off.

@description('Name of the topic.')
@minLength(3)
@maxLength(50)
param name string

@description('Its region.')
param location string

@description('Its tags.')
param tags object

@description('Principal id of the app\'s identity.')
param appPrincipalId string

var eventGridDataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  // checkov:skip=CKV_AZURE_193: a consumption plan has no address of its own to let in; every event needs a token
  // checkov:skip=CKV_AZURE_191: the topic sends with the rights of each subscription, it needs no identity of its own
  name: name
  location: location
  tags: tags
  properties: {
    disableLocalAuth: true
    inputSchema: 'CloudEventSchemaV1_0'
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

// The app sends; who receives is for subscriptions to the topic to say.
resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, appPrincipalId, eventGridDataSender)
  scope: topic
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventGridDataSender)
  }
}

@description('Its resource id, which subscriptions need.')
output id string = topic.id

@description('Where events are sent.')
output endpoint string = topic.properties.endpoint
