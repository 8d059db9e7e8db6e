// A new Azure OpenAI resource with one deployment. Its keys are switched off: it answers to identities alone.

@description('Name of the resource, and first part of its address.')
param name string

@description('Its region.')
param location string

@description('Its tags.')
param tags object

@description('The model, as Azure\'s catalogue names it; the deployment gets the same name.')
param modelName string

@description('The model\'s version. Empty: Azure\'s default.')
param modelVersion string

@description('Kind of deployment.')
param deploymentSku string

@description('Capacity of the deployment.')
param deploymentCapacity int

@description('Principal id of the app\'s identity.')
param appPrincipalId string

var model = empty(modelVersion) ? {
  format: 'OpenAI'
  name: modelName
} : {
  format: 'OpenAI'
  name: modelName
  version: modelVersion
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_134: a consumption plan has no address of its own to let in; every access needs a token
  // checkov:skip=CKV_AZURE_238: it reaches for nothing itself, so it needs no identity
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource deployment 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = {
  parent: account
  name: modelName
  sku: {
    name: deploymentSku
    capacity: deploymentCapacity
  }
  properties: {
    model: model
  }
}

module access './azure-openai-access.bicep' = {
  name: 'azure-openai-access'
  params: {
    name: account.name
    appPrincipalId: appPrincipalId
  }
}

@description('Its address.')
output endpoint string = account.properties.endpoint
